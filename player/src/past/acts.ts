/** Putting the past right. Each act can be taken back from the message that tells of it. */
import type { InfiniteData } from '@tanstack/react-query'
import { api } from '../api/client'
import { queryClient } from '../api/queries'
import type { External, Id, Listen, ListensPage, Track } from '../api/types'
import { toast } from '../ui/toasts'
import { pastChanged } from './queries'

interface Corrected {
  correction: Id
}

export function complain(error: unknown): void {
  toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
}

function undoable(text: string, undo: () => Promise<unknown>): void {
  toast(text, { action: { label: 'Undo', onSelect: () => void undo().then(pastChanged).catch(complain) } })
}

export function nameOf(listen: Listen): string {
  return listen.track?.title ?? listen.external?.title ?? 'This listen'
}

export async function deleteListen(listen: Listen): Promise<void> {
  try {
    const { correction } = await api.del<Corrected>(`me/listens/${listen.id}`)
    // Gone at once: a long history is not read again for one row.
    await queryClient.cancelQueries({ queryKey: ['listens'] })
    queryClient.setQueriesData<InfiniteData<ListensPage>>({ queryKey: ['listens'] }, (old) => old && without(old, listen.id))
    void queryClient.invalidateQueries({ queryKey: ['stats'] })
    undoable(`“${nameOf(listen)}” is deleted from your history.`, () => api.del(`me/corrections/${correction}`))
  } catch (error) {
    complain(error)
  }
}

export function without(old: InfiniteData<ListensPage>, id: Id): InfiniteData<ListensPage> {
  const had = old.pages.some((page) => page.items.some((each) => each.id === id && each.counted))
  const pages = old.pages.map((page) => ({
    ...page,
    items: page.items.filter((each) => each.id !== id),
    total: page.total - (had ? 1 : 0),
  }))
  return { ...old, pages }
}

export async function correctListen(listen: Listen, change: { track?: Track; at?: Date }): Promise<void> {
  try {
    const { correction } = await api.patch<Corrected>(`me/listens/${listen.id}`, {
      track_id: change.track?.id ?? null,
      listened_at: change.at?.toISOString() ?? null,
    })
    await pastChanged()
    const text = change.track ? `It was “${change.track.title}” after all.` : `The time of “${nameOf(listen)}” is changed.`
    undoable(text, () => api.del(`me/corrections/${correction}`))
  } catch (error) {
    complain(error)
  }
}

/** Says by hand which track it is; null: none of those here. */
export async function matchExternal(external: External, track: Track | null): Promise<void> {
  const put = (id: Id | null) => api.put(`me/externals/${external.id}`, { track_id: id })
  const before = external.track_id
  try {
    await put(track?.id ?? null)
    await pastChanged()
    const text = track ? `“${external.title}” is “${track.title}” in your library.` : `“${external.title}” is heard elsewhere again.`
    undoable(text, () => put(before))
  } catch (error) {
    complain(error)
  }
}
