import type { Schemas } from '../api/client'

type Question = Schemas['Question']

/** The questions to ask, in order, as far as the answers lead; the last one may not be answered yet. */
export function asked(questions: Question[], answers: Record<string, string[] | undefined>): Question[] {
  const path: Question[] = []
  for (let i = 0; i < questions.length; ) {
    const question = questions[i]!
    path.push(question)
    const values = answers[question.name]
    if (!values) break
    i = after(questions, i, values)
  }
  return path
}

function after(questions: Question[], at: number, values: string[]): number {
  for (const skip of questions[at]!.skips ?? []) {
    if (skip.if?.length && !values.some((v) => skip.if!.includes(v))) continue
    const to = questions.findIndex((q) => q.name === skip.to)
    return to < 0 ? questions.length : to
  }
  return at + 1
}

/** Whether all that was to be asked has been answered. */
export function complete(questions: Question[], answers: Record<string, string[] | undefined>): boolean {
  return asked(questions, answers).every((q) => answers[q.name] && (q.free || answers[q.name]!.length > 0))
}
