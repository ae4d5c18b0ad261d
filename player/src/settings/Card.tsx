import { useId, type ReactNode } from 'react'

/** One subject of the settings. */
export function Card({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <section className="set-card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {about && <p className="muted set-about">{about}</p>}
      <div className="stack">{children}</div>
    </section>
  )
}
