import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { MemoryRouter } from 'react-router'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { queryClient } from '../api/queries'
import type { DuplicateGroup } from '../api/types'
import { track } from '../engine/fixtures'
import Duplicates from './Duplicates'
import { server, session, type Asked } from './fixtures'

let admin = true
let groups: DuplicateGroup[] = []
const posted: Asked[] = []

server((asked) => {
  if (asked.method === 'POST') posted.push(asked)
  return { session: session(admin), duplicates: { items: groups, total: groups.length }, 'duplicates/7': {} }
})
beforeEach(() => {
  admin = true
  posted.length = 0
  queryClient.clear()
  groups = [
    {
      group_id: 7,
      tracks: [
        { track: track('flac'), similarity: 1, preferred: true },
        { track: track('mp3', { suffix: 'mp3', codec: 'mp3', bitrate_kbps: 128, release: 'A Sampler' }), similarity: 0.97, preferred: false },
      ],
    },
  ]
})
afterEach(cleanup)

function show() {
  render(
    <QueryClientProvider client={queryClient}>
      <MemoryRouter>
        <Duplicates />
      </MemoryRouter>
    </QueryClientProvider>,
  )
}

it('lists copies, and lets an admin prefer one or take one out', async () => {
  show()
  await screen.findByText('1 recording')
  expect(screen.getByText(/Nothing is ever deleted/)).toBeTruthy()
  expect(screen.getByText(/MP3 .* 97 % alike/)).toBeTruthy()
  expect(screen.getAllByText('Preferred')).toHaveLength(1)
  fireEvent.click(screen.getByRole('button', { name: 'Prefer Title mp3 from A Sampler, MP3' }))
  await waitFor(() => expect(posted).toHaveLength(1))
  fireEvent.click(screen.getByRole('button', { name: 'Title mp3 from A Sampler, MP3 is not the same recording' }))
  await waitFor(() => expect(posted).toHaveLength(2))
  expect(posted.map((one) => [one.path, one.body])).toEqual([
    ['duplicates/7', { preferred: 'mp3' }],
    ['duplicates/7', { separate: 'mp3' }],
  ])
})

it('only shows them to others', async () => {
  admin = false
  show()
  await screen.findByText('Preferred')
  expect(screen.queryByRole('button', { name: /Prefer|not the same/ })).toBeNull()
})

it('says when there are none', async () => {
  groups = []
  show()
  await screen.findByText('No duplicates')
})
