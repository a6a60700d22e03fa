// The server deletes a file once it is answered. So that another model can be asked, the browser keeps the last one, in
// the memory of this page, and uploads it once more.
const genres = {
  file: null,
  async keep(uploaded) {
    if (uploaded) {
      const content = await (await fetch(uploaded.url)).blob();
      genres.file = new File([content], uploaded.orig_name);
    }
    return uploaded;
  },
  async again() {
    if (!genres.file) return null;
    const form = new FormData();
    form.append("files", genres.file);
    const [path] = await (await fetch("gradio_api/upload", { method: "POST", body: form })).json();
    return { path, orig_name: genres.file.name, meta: { _type: "gradio.FileData" } };
  },
};
