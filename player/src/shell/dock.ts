/** The place above the player bar where the action bar stands. */
import { createContext, useContext } from 'react'

export const DockContext = createContext<HTMLElement | null>(null)

export function useDock(): HTMLElement | null {
  return useContext(DockContext)
}
