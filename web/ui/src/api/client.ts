import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Ticket = Schemas['Ticket']
export type Clock = Schemas['Clock']
export type Problem = Schemas['Problem']
export type Me = Schemas['Me']

const timeout = 20_000

/** Calls the server with the session's cookie; every call ends in time. */
export const api = createClient<paths>({
  baseUrl: '/',
  fetch: (request) => fetch(new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]) })),
})

/** Why a call failed, in the shape that pages show. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? String(status))
  }
}

/** The answer's data; throws a Failure for everything else, a broken connection included. */
export async function take<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer
  try {
    answer = await call
  } catch {
    throw new Failure(0, {})
  }
  if (!answer.response.ok) throw new Failure(answer.response.status, (answer.error ?? {}) as Partial<Problem>)
  return answer.data as T
}
