import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { queryClient } from '../api/queries'
import type { AnalysisStatus } from '../api/types'
import { server, status } from '../sound/fixtures'
import Analysis from './Analysis'

let now: AnalysisStatus = status
const posted: unknown[] = []

server((asked) => {
  if (asked.method === 'POST') {
    posted.push(asked.body)
    const { paused } = asked.body as { paused?: boolean }
    if (paused !== undefined) now = { ...now, state: paused ? 'paused' : 'running' }
    else now = { ...now, failed: 0, left: 7 }
  }
  return { analysis: now }
})
afterEach(cleanup)

it('shows how far it is, pauses, resumes and tries again', async () => {
  render(
    <QueryClientProvider client={queryClient}>
      <Analysis />
    </QueryClientProvider>,
  )
  await screen.findByText('4 of 10 tracks')
  expect(screen.getByText('60 tracks an hour')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Pause' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Resume' }))
  await screen.findByRole('button', { name: 'Pause' })
  fireEvent.click(screen.getByRole('button', { name: 'Try what failed again' }))
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Try what failed again' })).toBeNull())
  expect(posted).toEqual([{ paused: true }, { paused: false }, { retry: true }])
})
