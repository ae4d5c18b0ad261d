import type { Scan } from '../api/types'
import { count, span } from '../format'

/** How far a scan is: the bar is whole-width motion while the number of files is not known yet. */
export function ScanProgress({ scan }: { scan: Scan }) {
  const share = scan.files_total ? Math.min(1, scan.files_done / scan.files_total) : null
  return (
    <div className="scan-card">
      <div className="scan-head">
        <strong>{scan.library ? `Scanning ${scan.library}` : 'Scanning'}</strong>
        {scan.phase && <span className="badge">{scan.phase}</span>}
      </div>
      <progress className="progress" aria-label="Scan" {...(share === null ? {} : { value: share, max: 1 })} />
      <p className="small muted tabular">
        {count(scan.files_done)}
        {scan.files_total ? ` of ${count(scan.files_total)}` : ` done, ${count(scan.files_seen)} seen`}
        {scan.rate_per_s ? ` · ${count(Math.round(scan.rate_per_s))} a second` : ''}
        {scan.eta_s !== null ? ` · ${span(scan.eta_s * 1000)} left` : ''}
      </p>
    </div>
  )
}
