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
    const file = genres.file;
    if (!file) return null;
    const form = new FormData();
    form.append("files", file);
    const [path] = await (await fetch("gradio_api/upload", { method: "POST", body: form })).json();
    if (genres.file !== file) return null; // another one came meanwhile, whose answer must not be replaced
    return { path, orig_name: file.name, meta: { _type: "gradio.FileData" } };
  },
};
