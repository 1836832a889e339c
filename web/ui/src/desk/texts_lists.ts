/** Texts of the city's lists. */
export const zhLists = {
  lists: {
    menu: '词库', names: { dictionary: '搜索词典', gazetteer: '地名库' }, version: '第 {n} 版', at: '{at} 更新', none: '尚未建立', save: '检查并启用', saved: '已启用，数秒内各处生效。', again: '重新读取',
    open: '载入文件', down: '下载', entries: '{n} 行', changed: '尚未保存',
    hints: {
      dictionary: '每行一组：说法相同的词用逗号连接（路灯,街灯）；写错的词 => 正确的词（壮元路 => 状元路）。# 后为说明。',
      gazetteer: 'CSV，表头 name,aliases,kind,district,street,lon,lat；别名用 | 连接，区划、街道填代码，坐标为 GCJ-02。',
    },
  },
}

export const enLists: typeof zhLists = {
  lists: {
    menu: 'Lists', names: { dictionary: 'Dictionary of the search', gazetteer: 'Gazetteer' }, version: 'Version {n}', at: 'changed {at}', none: 'none yet', save: 'Check and put in force', saved: 'In force; everywhere within seconds.', again: 'Read again',
    open: 'Open a file', down: 'Download', entries: '{n} lines', changed: 'not saved',
    hints: {
      dictionary: 'A line is words that stand for one another, joined by commas, or what is typed wrong => what is meant. # begins a remark.',
      gazetteer: 'CSV with the header name,aliases,kind,district,street,lon,lat; aliases are joined by |, districts and streets are codes, coordinates are GCJ-02.',
    },
  },
}
