// Calls of the JSON API.

const JSON_TYPE = { "Content-Type": "application/json" };

async function fetchOrThrow(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error; // the page itself has aborted the request
    throw new Error("The server does not respond: start segtool serve again.");
  }
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({ detail: response.statusText }));
  throw new Error(detail);
}

const post = (path, body, signal) =>
  fetchOrThrow(path, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(body), signal });

export const getModels = async () => (await fetchOrThrow("/api/models")).json();
export const explain = async (body) => (await post("/api/explain", body)).json();
export const adapt = async (body) => (await post("/api/adapt", body)).json();
export const write = async (body) => (await post("/api/write", body)).blob();

/** Read the text in a file, whatever its encoding. */
export async function readFile(file) {
  const response = await fetchOrThrow("/api/read", {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: file,
  });
  return (await response.json()).text;
}

const STOPPED = "The server stopped before the end of the text.";

/** Split a text. Calls `onHeader` once and `onSentences` as the sentences arrive. */
export async function segment(body, signal, onHeader, onSentences) {
  const response = await post("/api/segment/stream", body, signal);
  let isHeader = true;
  let isDone = false;
  for await (const lines of linesOf(response.body)) {
    const objects = lines.map((line) => JSON.parse(line));
    if (isHeader) onHeader(objects.shift());
    isHeader = false;
    const last = objects.at(-1);
    if (last?.error) throw new Error(last.error);
    if (last?.done) isDone = Boolean(objects.pop());
    onSentences(objects);
  }
  if (!isDone) throw new Error(STOPPED);
}

/** Yield the complete lines of a stream as they arrive, as lists. */
async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  const read = () =>
    reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Error(STOPPED);
    });
  for (;;) {
    const { value, done } = await read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    if (lines.length) yield lines;
  }
}
