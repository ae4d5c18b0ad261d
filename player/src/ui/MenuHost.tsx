import { Check, Star } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, type KeyboardEvent } from 'react'
import { useLocation } from 'react-router'
import { join, renderIcon } from './Button'
import { closeMenu, useOpenMenu, type MenuItem, type OpenMenu } from './menus'

/** Draws the open menu in the top layer: arrow keys, Home, End and letters move; Escape, Tab and a press outside close. */
export function MenuHost() {
  const menu = useOpenMenu()
  const { key } = useLocation()
  useEffect(() => closeMenu, [key])
  return menu ? <MenuBox menu={menu} /> : null
}

function MenuBox({ menu }: { menu: OpenMenu }) {
  const ref = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    const box = ref.current
    if (!box) return
    box.showPopover?.()
    place(box, menu)
    entries(box)[0]?.focus({ preventScroll: true })
    const outside = (event: PointerEvent) => {
      if (!(event.target instanceof Node) || !box.contains(event.target)) closeMenu()
    }
    const away = (event: Event) => {
      if (!(event.target instanceof Node) || !box.contains(event.target)) closeMenu()
    }
    document.addEventListener('pointerdown', outside, true)
    window.addEventListener('resize', closeMenu)
    document.addEventListener('wheel', away, { capture: true, passive: true })
    return () => {
      document.removeEventListener('pointerdown', outside, true)
      window.removeEventListener('resize', closeMenu)
      document.removeEventListener('wheel', away, { capture: true })
    }
  }, [menu])

  const onKeyDown = (event: KeyboardEvent) => {
    const box = ref.current
    if (!box) return
    const all = entries(box)
    const at = all.indexOf(document.activeElement as HTMLElement)
    const go = (to: number) => {
      event.preventDefault()
      all[(to + all.length) % all.length]?.focus()
    }
    event.stopPropagation()
    if (event.key === 'ArrowDown' || event.key === 'ArrowRight') go(at + 1)
    else if (event.key === 'ArrowUp' || event.key === 'ArrowLeft') go(at - 1)
    else if (event.key === 'Home') go(0)
    else if (event.key === 'End') go(all.length - 1)
    else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault()
      closeMenu()
    } else if (event.key.length === 1 && event.key !== ' ') {
      const letter = event.key.toLowerCase()
      const found = [...all.slice(at + 1), ...all.slice(0, at + 1)].find((each) =>
        each.textContent?.toLowerCase().startsWith(letter),
      )
      found?.focus()
    }
  }

  return (
    <div ref={ref} popover="manual" className="menu" role="menu" aria-label={menu.title} tabIndex={-1} onKeyDown={onKeyDown}>
      <div className="menu-title" aria-hidden="true">
        {menu.title}
      </div>
      {menu.items.map((item, index) => (
        <Entry key={index} item={item} />
      ))}
    </div>
  )
}

function Entry({ item }: { item: MenuItem }) {
  if (item.kind === 'separator') return <div className="menu-line" role="separator" />
  if (item.kind === 'rating') {
    return (
      <div className="menu-rating" role="group" aria-label="Rating">
        {[1, 2, 3, 4, 5].map((star) => (
          <button
            key={star}
            type="button"
            role="menuitemradio"
            aria-checked={star === item.value}
            aria-label={`${star} ${star === 1 ? 'star' : 'stars'}`}
            tabIndex={-1}
            className={join('star', star <= item.value && 'star-on')}
            onClick={() => {
              closeMenu()
              item.onRate(star === item.value ? 0 : star)
            }}
          >
            <Star size={18} aria-hidden="true" />
          </button>
        ))}
      </div>
    )
  }
  const check = item.kind === 'check'
  return (
    <button
      type="button"
      role={check ? 'menuitemcheckbox' : 'menuitem'}
      aria-checked={check ? item.checked : undefined}
      disabled={!check && item.disabled}
      tabIndex={-1}
      className={join('menu-item', !check && item.danger && 'menu-item-danger')}
      onClick={() => {
        closeMenu()
        item.onSelect()
      }}
    >
      <span className="menu-icon">
        {check && item.checked ? <Check size={18} aria-hidden="true" /> : renderIcon(item.icon, 18)}
      </span>
      <span>{item.label}</span>
      {!check && item.hint && <span className="menu-hint">{item.hint}</span>}
    </button>
  )
}

function entries(box: HTMLElement): HTMLElement[] {
  return [...box.querySelectorAll<HTMLElement>('[role^=menuitem]:not(:disabled)')]
}

/** Keeps the menu inside the window; on a phone the stylesheet makes it a sheet instead. */
function place(box: HTMLElement, menu: OpenMenu): void {
  const { offsetWidth: width, offsetHeight: height } = box
  const edge = 8
  let x = menu.x
  let y = menu.anchor ? menu.y + 4 : menu.y
  if (x + width > innerWidth - edge) x = menu.anchor ? menu.anchor.right - width : x - width
  if (y + height > innerHeight - edge) y = (menu.anchor ? menu.anchor.top - 4 : y) - height
  box.style.left = `${Math.max(edge, Math.min(x, innerWidth - width - edge))}px`
  box.style.top = `${Math.max(edge, Math.min(y, innerHeight - height - edge))}px`
}
