import { ChevronRight } from 'lucide-react'
import { Link } from 'react-router'
import { places } from '../shell/Sidebar'
import { useTitle } from '../shell/useTitle'

/** The sidebar's places, as a page for a phone. */
export default function LibraryHub() {
  useTitle('Library')
  return (
    <>
      <h1 className="page-title">Library</h1>
      <ul className="hub">
        {places
          .filter(({ to }) => to !== '/')
          .map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Link to={to} className="folder">
                <Icon size={21} aria-hidden="true" />
                <span>{label}</span>
                <ChevronRight size={18} aria-hidden="true" className="folder-go" />
              </Link>
            </li>
          ))}
      </ul>
    </>
  )
}
