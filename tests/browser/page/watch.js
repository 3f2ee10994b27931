// Watches jobs as a page would. `report`, a function that takes one object, is given by the test.
"use strict";

const take = (road, job, name, record) =>
  report({ road, job, event: name, id: record.id, data: record.data });

// An EventSource comes back by itself, with the last id, and gives up on a 204.
function watchEvents(job) {
  const source = new EventSource(`/job/${job}/events`);
  for (const name of ["job", "end", "gone"]) {
    source.addEventListener(name, (message) =>
      take("events", job, name, { id: message.lastEventId, data: JSON.parse(message.data) }));
  }
  source.onerror = () => {
    const over = source.readyState === EventSource.CLOSED;
    report({ road: "events", job, said: over ? "over" : "reconnecting" });
  };
}

// A WebSocket does not: the page asks again behind the last id until it is told that it is over.
function watchSocket(job, host = location.host, lastId = "") {
  const resume = lastId && `?last_event_id=${lastId}`;
  const socket = new WebSocket(`ws://${host}/job/${job}/ws${resume}`, ["bide.v1"]);
  socket.onmessage = (message) => {
    const record = JSON.parse(message.data);
    lastId = record.id ?? lastId;
    if (record.event !== "hello") take("ws", job, record.event, record);
  };
  socket.onclose = ({ code }) => {
    report({ road: "ws", job, said: code === 1000 ? "over" : "reconnecting", code });
    if (code !== 1000 && host === location.host) setTimeout(watchSocket, 500, job, host, lastId);
  };
}
