/** Texts of the topics. */
export const zhTopics = {
  assist: { summary: '概括', reply: '起草答复', category: '类别的另一意见', only: '语言模型（{model}）的建议，仅供参考，请核对后使用。', take: '填入', none: '没有合适的类别' },
  topics: {
    menu: '话题', grew: '关注的话题有新工单', title: '话题：多人反映的同一地点、同一事项', none: '没有符合条件的话题。', more: '更多', filter: '名称中的词', followed: '只看我关注的', sort: '排序',
    sorts: { heat: '热度', newest: '最新工单', members: '工单数' },
    name: '话题', heat: '热度', members: '工单', people: '人数', week: '近7天', until: '前7天', last: '最近一件', bad: '不满意', place: '地点', perMonth: '每月人数',
    words: '词', first: '首件', days: '每日工单数（近180天）', day: '日期', count: '件数', average: '平均', table: '数据表', map: '工单位置', metres: '{n} 米',
    tickets: '工单与办理情况（{n}）', reply: '答复', noReply: '尚无答复', alerts: '预警', history: '人工调整', into: '本话题已并入另一话题。', goto: '前往',
    follow: '关注', unfollow: '取消关注', rename: '改名', newName: '话题名称', split: '拆出所选', splitHint: '勾选工单，拆成另一个话题；拆开后系统不会再自动合并。',
    join: '并入其他话题', joinHint: '把下面选中的话题并入本话题', candidates: '同区划的话题', joinThis: '并入本话题',
    steps: { named: '改名，原名“{with}”', joined: '并入了另一话题', split: '拆出了工单', begun: '由另一话题拆出' }, of: '所属话题',
  },
}

export const enTopics: typeof zhTopics = {
  assist: { summary: 'Summarise', reply: 'Draft a reply', category: 'Another opinion on the category', only: 'Suggested by a language model ({model}); check it before you use it.', take: 'Put it in', none: 'No category fits' },
  topics: {
    menu: 'Topics', grew: 'A topic that you follow has new tickets', title: 'Topics: what several people report of one place', none: 'No topic is like this.', more: 'More', filter: 'Word of the name', followed: 'Those I follow', sort: 'Order',
    sorts: { heat: 'Heat', newest: 'Last ticket', members: 'Tickets' },
    name: 'Topic', heat: 'Heat', members: 'Tickets', people: 'People', week: '7 days', until: '7 before', last: 'Last', bad: 'Dissatisfied', place: 'Place', perMonth: 'People a month',
    words: 'Words', first: 'First', days: 'Tickets a day, 180 days', day: 'Day', count: 'Tickets', average: 'Mean', table: 'Table', map: 'Where the tickets are', metres: '{n} m',
    tickets: 'Tickets and replies ({n})', reply: 'Reply', noReply: 'No reply yet', alerts: 'Alerts', history: 'Changed by hand', into: 'This topic was joined to another.', goto: 'Go there',
    follow: 'Follow', unfollow: 'Follow no more', rename: 'Rename', newName: 'Name of the topic', split: 'Take out the chosen', splitHint: 'Choose tickets that become a topic of their own; the two do not come together by themselves again.',
    join: 'Join another topic', joinHint: 'Join the chosen topic to this one', candidates: 'Topics of the same district', joinThis: 'Join to this one',
    steps: { named: 'renamed, was “{with}”', joined: 'another was joined to it', split: 'tickets were taken out', begun: 'began with tickets of another' }, of: 'Topic',
  },
}
