import { useQuery } from '@tanstack/react-query'
import { NavLink, Outlet } from 'react-router'
import { sessionQuery } from '../api/queries'

const tabs = [
  { to: '/settings', label: 'Profile' },
  { to: '/settings/playback', label: 'Playback' },
  { to: '/settings/apps', label: 'Connect an app' },
]
const adminTabs = [
  { to: '/settings/users', label: 'Users' },
  { to: '/settings/libraries', label: 'Libraries' },
  { to: '/settings/analysis', label: 'Analysis' },
]

export default function Settings() {
  const { data: session } = useQuery(sessionQuery)
  return (
    <>
      <h1 className="page-title">Settings</h1>
      <nav className="settings-tabs" aria-label="Settings">
        {[...tabs, ...(session?.user.admin ? adminTabs : []), { to: '/scan', label: 'Scan and findings' }].map(
          ({ to, label }) => (
            <NavLink
              key={to}
              to={to}
              end
              className="settings-tab"
              ref={(link) => {
                if (link?.classList.contains('active')) link.scrollIntoView({ block: 'nearest', inline: 'center' })
              }}
            >
              {label}
            </NavLink>
          ),
        )}
      </nav>
      <Outlet />
    </>
  )
}
