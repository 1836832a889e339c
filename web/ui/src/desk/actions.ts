/** The own fields of an action; what they mean is in the table of actions of the API's docs. */
export type ActionField = 'answer' | 'department' | 'reason' | 'note' | 'contacted' | 'solved' | 'rating'

const fields: Record<string, ActionField[]> = {
  answer_directly: ['answer'],
  dispatch: ['department', 'reason'],
  contact: ['note'],
  resolve: ['answer'],
  approve_review: ['note'],
  reject_review: ['reason'],
  follow_up: ['contacted', 'solved', 'rating', 'note'],
  cancel: ['reason'],
}

export const fieldsOf = (action: string): ActionField[] => fields[action] ?? []
