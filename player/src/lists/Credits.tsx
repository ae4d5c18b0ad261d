import { Fragment } from 'react'
import { Link } from 'react-router'
import type { Credit } from '../api/types'

/** Each credited artist as a link, joined as the display string joins them where it can be told apart. */
export function Credits({ artists, text, inert }: { artists: Credit[]; text: string; inert?: boolean }) {
  const parts = split(artists, text)
  if (!parts) return <>{text}</>
  return (
    <>
      {parts.map(({ before, credit }, index) => (
        <Fragment key={`${credit.id}-${index}`}>
          {before}
          <Link to={`/artists/${credit.id}`} tabIndex={inert ? -1 : undefined} onClick={(event) => event.stopPropagation()}>
            {credit.name}
          </Link>
        </Fragment>
      ))}
    </>
  )
}

/** Finds each name in the display string, in order; null where the credits say nothing about it. */
export function split(artists: Credit[], text: string): { before: string; credit: Credit }[] | null {
  if (artists.length === 0) return null
  const parts: { before: string; credit: Credit }[] = []
  let from = 0
  for (const credit of artists) {
    const at = text.indexOf(credit.name, from)
    if (at < 0) return artists.map((each, index) => ({ before: index ? ', ' : '', credit: each }))
    parts.push({ before: text.slice(from, at), credit })
    from = at + credit.name.length
  }
  return parts
}
