/** Four columns in which one sound leaves as the next arrives. */
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
      <rect className="logo-tile" width="64" height="64" rx="15" />
      <g className="logo-out">
        <rect x="12" y="12" width="7" height="29" rx="3.5" />
        <rect x="23" y="12" width="7" height="24" rx="3.5" />
        <rect x="34" y="12" width="7" height="13" rx="3.5" />
        <rect x="45" y="12" width="7" height="7" rx="3.5" />
      </g>
      <g className="logo-in">
        <rect x="12" y="45" width="7" height="7" rx="3.5" />
        <rect x="23" y="40" width="7" height="12" rx="3.5" />
        <rect x="34" y="29" width="7" height="23" rx="3.5" />
        <rect x="45" y="23" width="7" height="29" rx="3.5" />
      </g>
    </svg>
  )
}
