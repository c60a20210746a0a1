() => {
  // Answers come by one stream, which the server ends once nothing is left to answer. Gradio's client takes it for open until
  // it has read that end; what it asks for in between would wait for the next stream, so for the next press. Such an end is kept
  // from the client here: the stream goes on. Seen in Gradio 6.31.0, a later form of https://github.com/gradio-app/gradio/issues/7921;
  // needless once tests/browser/test_stream.py passes without it.
  const ask = window.fetch;
  // An answer may come before the number of its question.
  const unanswered = new Set(), early = new Set();
  let asking = 0;

  async function join(...request) {
    asking += 1;
    try {
      const response = await ask(...request);
      const {event_id: event} = response.ok ? await response.clone().json() : {};
      if (event && !early.delete(event)) unanswered.add(event);
      return response;
    } finally {
      asking -= 1;
    }
  }

  // Messages, each a line `data: {"msg":"...","event_id":"...", ...}` and an empty one; whether the stream has to go on.
  async function pass(body, stream) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader(), encoder = new TextEncoder();
    for (let rest = ''; ;) {
      const {value, done} = await reader.read();
      if (done) return false;
      const messages = (rest + value).split('\n\n');
      rest = messages.pop();
      for (const message of messages) {
        const start = message.slice(0, 200), kind = /"msg":\s*"(\w+)"/.exec(start)?.[1];
        if (kind === 'close_stream' && (asking || unanswered.size)) return true;
        const event = kind === 'process_completed' && /"event_id":\s*"(\w+)"/.exec(start)?.[1];
        if (event && !unanswered.delete(event)) early.add(event);
        stream.enqueue(encoder.encode(message + '\n\n'));
      }
    }
  }

  async function follow(request) {
    const first = await ask(request.clone());
    if (!first.ok) return first;
    const body = new ReadableStream({
      async start(stream) {
        try {
          for (let response = first; await pass(response.body, stream);) {
            response = await ask(request.clone());
            if (!response.ok) throw new Error(`the stream of answers: ${response.status}`);
          }
          stream.close();
        } catch (problem) {
          stream.error(problem);
        }
      },
    });
    return new Response(body, {status: first.status, headers: first.headers});
  }

  window.fetch = (...request) => {
    const url = String(request[0]?.url ?? request[0]);
    if (url.includes('/queue/join')) return join(...request);
    if (url.includes('/queue/data') && request[0] instanceof Request) return follow(request[0]);
    return ask(...request);
  };
}
