import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { preferencesQuery } from '../api/queries'
import type { Preferences } from '../api/types'
import { applyTheme } from '../shell/theme'
import { useTitle } from '../shell/useTitle'
import { Segmented, Select, Switch } from '../ui/Form'
import { Slider } from '../ui/Slider'
import { ErrorState, Loading } from '../ui/States'
import { toast } from '../ui/toasts'
import { Card } from './Card'

const rates = [
  { value: '', label: 'As the file is' },
  ...[64, 96, 128, 192, 256, 320].map((kbps) => ({ value: String(kbps), label: `${kbps} kbps` })),
]

export default function Playback() {
  useTitle('Playback')
  const client = useQueryClient()
  const { data, error, refetch } = useQuery(preferencesQuery)
  const [draft, setDraft] = useState<Partial<Preferences>>({})
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading />
  const now = { ...data, ...draft }

  const save = async (change: Partial<Preferences>) => {
    const before = client.getQueryData(preferencesQuery.queryKey)
    client.setQueryData(preferencesQuery.queryKey, (old) => old && { ...old, ...change })
    if (change.theme) applyTheme(change.theme)
    try {
      client.setQueryData(preferencesQuery.queryKey, await api.patch<Preferences>('preferences', change))
    } catch (failure) {
      client.setQueryData(preferencesQuery.queryKey, before)
      toast(failure instanceof Error ? failure.message : 'That was not saved.', { tone: 'bad' })
    }
    setDraft({})
  }
  const familiar = Math.round(now.discovery * 100)
  return (
    <>
      <Card title="What comes next">
        <Switch
          label="Go on when the queue ends"
          hint="Segue chooses what follows, and says why."
          checked={now.autoplay}
          onChange={(autoplay) => void save({ autoplay })}
        />
        <div className="setting">
          <span className="setting-label">Discovery</span>
          <div className="dial">
            <span className="small muted">What you know</span>
            <Slider
              label="Discovery: from what you know to what is new to you"
              value={familiar}
              max={100}
              step={5}
              valueText={`${familiar} %`}
              onChange={(value) => setDraft({ ...draft, discovery: value / 100 })}
              onCommit={(value) => void save({ discovery: value / 100 })}
            />
            <span className="small muted">New to you</span>
          </div>
        </div>
      </Card>
      <Card title="Sound">
        <div className="setting">
          <span className="setting-label">Even loudness (ReplayGain)</span>
          <Segmented
            label="ReplayGain"
            value={now.replaygain}
            onChange={(replaygain) => void save({ replaygain })}
            options={[
              { value: 'track', label: 'By track' },
              { value: 'album', label: 'By release' },
              { value: 'off', label: 'Off' },
            ]}
          />
        </div>
        <div className="setting">
          <span className="setting-label">
            Crossfade <span className="muted tabular">{now.crossfade_s === 0 ? 'off: gapless' : `${now.crossfade_s} s`}</span>
          </span>
          <Slider
            label="Crossfade in seconds"
            value={now.crossfade_s}
            max={12}
            step={1}
            valueText={now.crossfade_s === 0 ? 'Off' : `${now.crossfade_s} seconds`}
            onChange={(value) => setDraft({ ...draft, crossfade_s: value })}
            onCommit={(value) => void save({ crossfade_s: value })}
          />
        </div>
        <div className="pair">
          <Select
            label="At most"
            value={now.max_bitrate_kbps === null ? '' : String(now.max_bitrate_kbps)}
            options={rates}
            onChange={(event) =>
              void save({ max_bitrate_kbps: event.currentTarget.value ? Number(event.currentTarget.value) : null })
            }
          />
          <Select
            label="Transcode to"
            value={now.transcode_format}
            options={[
              { value: 'opus', label: 'Opus' },
              { value: 'aac', label: 'AAC' },
              { value: 'mp3', label: 'MP3' },
              { value: 'flac', label: 'FLAC' },
            ]}
            onChange={(event) => void save({ transcode_format: event.currentTarget.value as Preferences['transcode_format'] })}
          />
        </div>
        <p className="field-hint">What this browser cannot play is transcoded in any case.</p>
      </Card>
      <Card title="Appearance">
        <div className="setting">
          <span className="setting-label">Theme</span>
          <Segmented
            label="Theme"
            value={now.theme}
            onChange={(theme) => void save({ theme })}
            options={[
              { value: 'system', label: 'System' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
          />
        </div>
      </Card>
    </>
  )
}
