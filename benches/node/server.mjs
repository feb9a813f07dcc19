// The servers for Node under load: `node server.mjs socket-io|ws`. The same commands as `load serve` takes.

import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'

const TEXT =
  'GET /api/products?page=2 HTTP/1.1 200 12ms upstream=catalog:8080 ' +
  'request=5f3a9c1e-7b44-4d1c-9d0a-1f6f0c7e2b55 agent=curl bytes=18234 cache=miss region=a retry=100'

const event = () => {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1e3)
  return { at: `${micros}000`, text: TEXT }
}

/** @returns {Promise<() => void>} what publishes one event */
async function start(kind, server) {
  if (kind === 'ws') {
    const { WebSocketServer } = await import('ws')
    const sockets = new WebSocketServer({ server, perMessageDeflate: false })
    sockets.on('connection', (socket) => socket.send('ready'))
    return () => {
      const data = JSON.stringify(event())
      for (const client of sockets.clients) client.send(data)
    }
  }
  const { Server } = await import('socket.io')
  const io = new Server(server, { transports: ['websocket'] })
  return () => io.emit('line', event())
}

const server = createServer()
const publish = await start(process.argv[2], server)
server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () => console.log(server.address().port))

for await (const line of createInterface({ input: process.stdin })) {
  const [count, group, every] = line.split(' ').map(Number)
  const begun = performance.now()
  for (let done = 0; done < count; done += group) {
    if (every === 0) {
      await turn()
    } else {
      const due = begun + ((done / group) * every) / 1e3
      if (due > performance.now()) await pause(Math.max(1, due - performance.now()))
    }
    for (let n = 0; n < Math.min(group, count - done); n += 1) publish()
  }
  console.log('done')
}
process.exit()
