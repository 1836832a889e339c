/** Levels of a clock as the page shows them; the words and icons are in the texts of the page. */
export type ClockLevel = 'none' | 'green' | 'yellow' | 'red' | 'over' | 'met' | 'late' | 'paused'

export interface ClockTimes {
  running: boolean
  yellow_at?: string | null
  red_at?: string | null
  due_at?: string | null
  stopped_at?: string | null
}

const ms = (time: string) => new Date(time).getTime()

/** Where a clock stands at a moment of the server's time. It compares the server's limits and computes none. */
export function levelOf(clock: ClockTimes, now: number): ClockLevel {
  if (!clock.due_at) return clock.stopped_at ? 'met' : 'none'
  if (clock.stopped_at) return ms(clock.stopped_at) <= ms(clock.due_at) ? 'met' : 'late'
  if (!clock.running) return 'paused'
  if (now >= ms(clock.due_at)) return 'over'
  if (clock.red_at && now >= ms(clock.red_at)) return 'red'
  if (clock.yellow_at && now >= ms(clock.yellow_at)) return 'yellow'
  return 'green'
}

export const icons: Record<ClockLevel, string> = {
  none: '—', green: '○', yellow: '◐', red: '▲', over: '■', met: '✓', late: '✓', paused: '‖',
}

export interface Span {
  unit: 'days' | 'hours' | 'minutes'
  n: number
}

/** A length of time in its largest whole unit; under a minute counts as one minute. */
export function spanOf(milliseconds: number): Span {
  const minutes = Math.max(1, Math.floor(Math.abs(milliseconds) / 60_000))
  if (minutes < 60) return { unit: 'minutes', n: minutes }
  if (minutes < 48 * 60) return { unit: 'hours', n: Math.floor(minutes / 60) }
  return { unit: 'days', n: Math.floor(minutes / (24 * 60)) }
}

/** A moment in the words of the platform's zone, whatever the computer's. */
export function formatTime(time: string, language: string, style: 'full' | 'short' = 'short'): string {
  return new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
    timeZone: 'Asia/Shanghai',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(style === 'full' ? { year: 'numeric', weekday: 'short' } : {}),
  }).format(new Date(time))
}
