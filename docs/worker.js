// Browsers start no worker for a page that was opened from disk. There, one that lives in a hidden frame does the
// search; everywhere else this does nothing.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      this.inner = frame.contentWindow
      window.addEventListener("message", event => {
        if (event.source !== this.inner) return
        const copy = new MessageEvent("message", { data: event.data })
        this.dispatchEvent(copy)
        if (this.onmessage) this.onmessage(copy)
      })
      this.inner.document.open()
      this.inner.document.write(`<html><body><script>
        window.postMessage = parent.postMessage.bind(parent)
        window.importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done, fail) => {
          const script = document.createElement("script")
          Object.assign(script, { src: url, onload: done, onerror: fail })
          document.body.appendChild(script)
        })), Promise.resolve())
      <\/script><script src="${url}"><\/script></body></html>`)
      this.inner.document.close()
    }
    postMessage(data) {
      const send = () => this.inner.dispatchEvent(new MessageEvent("message", { data }))
      if (this.inner.document.readyState === "complete") send()
      else this.inner.addEventListener("load", send, { once: true })
    }
    terminate() { this.inner.frameElement.remove() }
  }
  window.Worker = window.IFrameWorker
}
