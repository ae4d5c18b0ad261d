import { useQuery } from '@tanstack/react-query'
import { Mic2 } from 'lucide-react'
import { useSearchParams } from 'react-router'
import { librariesQuery } from '../api/queries'
import type { Artist } from '../api/types'
import { plural } from '../format'
import { usePagedSource } from '../lists/source'
import { VirtualGrid } from '../lists/VirtualGrid'
import { useTitle } from '../shell/useTitle'
import { Select } from '../ui/Form'
import { EmptyState } from '../ui/States'
import { ArtistCard } from './cards'

const LETTERS = ['#', ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']

export default function Artists() {
  useTitle('Artists')
  const [params, setParams] = useSearchParams()
  const initial = params.get('initial') ?? ''
  const library = params.get('library') ?? ''
  const source = usePagedSource<Artist>('artists', { sort: 'name', initial, library })
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
          <h1 className="page-title">Artists</h1>
          <p className="page-count">{source.total === null ? ' ' : plural(source.total, 'artist')}</p>
        </div>
        <div className="filters">
          <LibraryFilter value={library} onChange={(value) => choose('library', value)} />
        </div>
      </header>
      <nav className="letters" aria-label="Initial letter">
        <button type="button" aria-pressed={!initial} onClick={() => choose('initial', '')}>
          All
        </button>
        {LETTERS.map((letter) => (
          <button
            key={letter}
            type="button"
            aria-pressed={initial === letter}
            aria-label={letter === '#' ? 'Numbers and signs' : letter}
            onClick={() => choose('initial', initial === letter ? '' : letter)}
          >
            {letter}
          </button>
        ))}
      </nav>
      <VirtualGrid
        source={source}
        label="Artists"
        minPx={140}
        render={(artist) => <ArtistCard artist={artist} />}
        empty={
          <EmptyState icon={Mic2} title={initial ? `No artist under ${initial}` : 'No artists yet'}>
            {initial ? 'Choose another letter.' : 'They appear as music is scanned.'}
          </EmptyState>
        }
      />
    </>
  )
}

export function LibraryFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { data } = useQuery(librariesQuery)
  if (!data || data.items.length < 2) return null
  return (
    <Select
      bare
      label="Library"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      options={[
        { value: '', label: 'All libraries' },
        ...data.items.map((each) => ({ value: String(each.id), label: each.name })),
      ]}
    />
  )
}
