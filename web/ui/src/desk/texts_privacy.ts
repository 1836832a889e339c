/** Texts of exports, holds and erasures. */
export const zhPrivacy = {
  privacy: {
    title: '个人信息与证据', erased: '个人信息已依法删除', held: '证据保全中', hold: '证据保全', release: '解除保全', erase: '删除个人信息', reason: '理由（留痕）',
    ask: {
      hold: '保全后，本单及其录音不得删除，直至解除。', release: '解除后，本单按期限保管，可依申请删除。',
      erase: '将从该诉求人的全部工单、通话和录音中永久删除姓名和号码，任何人不能恢复。',
    },
    ordered: '已下达删除，涉及 {n} 张工单，数分钟内完成。', confirm: '确定',
  },
  export: {
    open: '导出', title: '导出工单', purpose: '用途（留痕，并写入文件）', format: '格式', description: '包含诉求内容和答复', run: '导出',
    note: '按当前筛选条件导出，最多 5000 行；个人信息已脱敏，每行标注导出人和时间。',
  },
}

export const enPrivacy: typeof zhPrivacy = {
  privacy: {
    title: 'Personal data and evidence', erased: 'The personal data were erased', held: 'Held as evidence', hold: 'Hold as evidence', release: 'End the hold', erase: 'Erase the person',
    reason: 'Reason (on record)',
    ask: {
      hold: 'While it is held, nothing of this ticket or its recordings is erased.', release: 'The ticket is then kept for its term, and may be erased on request.',
      erase: 'Name and numbers are erased for good from all of this citizen’s tickets, calls and recordings. Nobody can bring them back.',
    },
    ordered: 'The erasure is ordered for {n} tickets and done within minutes.', confirm: 'Confirm',
  },
  export: {
    open: 'Export', title: 'Export tickets', purpose: 'Purpose (on record, and written into the file)', format: 'Format', description: 'With descriptions and answers', run: 'Export',
    note: 'What the present filter shows, at most 5,000 rows; persons are masked, and each row says who took it out and when.',
  },
}
