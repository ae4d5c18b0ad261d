import { useEffect } from 'react'

/** The page's title; also what is announced on arriving. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title) document.title = title === 'Segue' ? 'Segue' : `${title} · Segue`
  }, [title])
}
