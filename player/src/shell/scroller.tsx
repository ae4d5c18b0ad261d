/** The element that scrolls a page. Lists virtualise against it; going back finds the place again. */
import { createContext, useContext, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useLocation, useNavigationType } from 'react-router'

const ScrollerContext = createContext<HTMLElement | null>(null)
export const ScrollerProvider = ScrollerContext.Provider

export function useScroller(): HTMLElement | null {
  return useContext(ScrollerContext)
}

const places = new Map<string, number>()
const KEPT = 60

/** Top on a new page, the old place on Back. A place further down than what is rendered is tried until the list grew. */
export function useScrollRestoration(scroller: HTMLElement | null): void {
  const location = useLocation()
  const how = useNavigationType()
  const { key, pathname } = location
  useEffect(() => {
    if (!scroller) return
    const wanted = how === 'POP' ? (places.get(key) ?? 0) : 0
    scroller.scrollTop = wanted
    let tries = 0
    const timer = setInterval(() => {
      if (Math.abs(scroller.scrollTop - wanted) < 2 || (tries += 1) > 20) clearInterval(timer)
      else scroller.scrollTop = wanted
    }, 50)
    if (wanted === 0) clearInterval(timer)
    const stop = () => clearInterval(timer)
    const keep = () => {
      places.delete(key)
      places.set(key, scroller.scrollTop)
      if (places.size > KEPT) places.delete(places.keys().next().value as string)
    }
    scroller.addEventListener('wheel', stop, { passive: true })
    scroller.addEventListener('touchstart', stop, { passive: true })
    scroller.addEventListener('scroll', keep, { passive: true })
    return () => {
      stop()
      scroller.removeEventListener('wheel', stop)
      scroller.removeEventListener('touchstart', stop)
      scroller.removeEventListener('scroll', keep)
    }
    // A change of the query string alone (a filter, a search) is the same page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [scroller, pathname])
}

/** Goes back to the top when a list becomes another one: a new order, another filter. */
export function useTopOnChange(key: string, scroller: HTMLElement | null): void {
  const shown = useRef(key)
  useEffect(() => {
    if (shown.current === key) return
    shown.current = key
    scroller?.scrollTo({ top: 0 })
  }, [key, scroller])
}

/** How far below the scroller's top `element` begins; follows changes of what stands above it. */
export function useOffset(element: HTMLElement | null, scroller: HTMLElement | null): number {
  const [offset, setOffset] = useState(0)
  useLayoutEffect(() => {
    if (!element || !scroller) return
    const measure = () => {
      const next = element.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop
      setOffset((old) => (Math.abs(old - next) < 1 ? old : next))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(scroller)
    for (let each: HTMLElement | null = element.parentElement; each && each !== scroller; each = each.parentElement) {
      observer.observe(each)
    }
    return () => observer.disconnect()
  }, [element, scroller])
  return offset
}
