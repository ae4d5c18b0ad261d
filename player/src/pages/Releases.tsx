import { useQuery } from '@tanstack/react-query'
import { Disc3, Shuffle } from 'lucide-react'
import { useSearchParams } from 'react-router'
import { genresQuery } from '../api/queries'
import type { Release } from '../api/types'
import { plural } from '../format'
import { usePagedSource } from '../lists/source'
import { VirtualGrid } from '../lists/VirtualGrid'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { Select } from '../ui/Form'
import { EmptyState } from '../ui/States'
import { LibraryFilter } from './Artists'
import { ReleaseCard } from './cards'
import { queryClient } from '../api/queries'

const sorts = [
  { value: 'name', label: 'By title' },
  { value: 'artist', label: 'By artist' },
  { value: 'newest', label: 'Newest in the library' },
  { value: 'recent', label: 'Recently played' },
  { value: 'frequent', label: 'Most played' },
  { value: 'year', label: 'By year' },
  { value: 'rated', label: 'Best rated' },
  { value: 'liked', label: 'Liked' },
  { value: 'random', label: 'Random' },
]

const thisYear = new Date().getFullYear()
const decades = Array.from(
  { length: Math.floor((thisYear - 1900) / 10) + 1 },
  (_, step) => Math.floor(thisYear / 10) * 10 - step * 10,
)

export default function Releases() {
  useTitle('Releases')
  const [params, setParams] = useSearchParams()
  const { data: genres } = useQuery(genresQuery)
  const sort = params.get('sort') ?? 'name'
  const genre = params.get('genre') ?? ''
  const decade = params.get('decade') ?? ''
  const library = params.get('library') ?? ''
  const from = decade ? Number(decade) : null
  const source = usePagedSource<Release>('releases', {
    sort,
    genre,
    library,
    from_year: from,
    to_year: from === null ? null : from + 9,
  })
  const choose = (name: string, value: string) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        if (value) next.set(name, value)
        else next.delete(name)
        return next
      },
      { replace: true },
    )
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Releases</h1>
          <p className="page-count">{source.total === null ? ' ' : plural(source.total, 'release')}</p>
        </div>
        <div className="filters">
          <Select
            bare
            label="Order"
            value={sort}
            options={sorts}
            onChange={(event) => choose('sort', event.currentTarget.value)}
          />
          <Select
            bare
            label="Genre"
            value={genre}
            onChange={(event) => choose('genre', event.currentTarget.value)}
            options={[
              { value: '', label: 'All genres' },
              ...(genres?.items ?? []).map((each) => ({ value: each.name, label: each.name })),
            ]}
          />
          <Select
            bare
            label="Decade"
            value={decade}
            onChange={(event) => choose('decade', event.currentTarget.value)}
            options={[{ value: '', label: 'All years' }, ...decades.map((each) => ({ value: String(each), label: `${each}s` }))]}
          />
          <LibraryFilter value={library} onChange={(value) => choose('library', value)} />
          {sort === 'random' && (
            <Button size="s" icon={Shuffle} onClick={() => void queryClient.resetQueries({ queryKey: ['list', 'releases'] })}>
              Shuffle again
            </Button>
          )}
        </div>
      </header>
      <VirtualGrid
        source={source}
        label="Releases"
        render={(release) => <ReleaseCard release={release} />}
        empty={
          <EmptyState icon={Disc3} title="No releases here">
            {genre || decade || library ? 'Nothing fits these filters together.' : 'They appear as music is scanned.'}
          </EmptyState>
        }
      />
    </>
  )
}
