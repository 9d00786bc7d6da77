#include "frontend/serve/page.h"

#include <string_view>

namespace weft {
namespace {

constexpr std::string_view kServedPage = R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Weft</title>
<link rel="icon" href="data:,">
<style>
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }
figure { display: inline-block; margin: 0.5rem; }
img { image-rendering: pixelated; max-width: 100%; }
</style>
<h1>What the network sees</h1>
<p><label>A picture: <input type="file" id="file" accept="image/*"></label></p>
<div id="answer" aria-live="polite"></div>
<script>
const answer = document.getElementById('answer');
function add(parent, tag, text) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  return element;
}
function picture(url, caption) {
  const figure = answer.appendChild(document.createElement('figure'));
  const image = figure.appendChild(new Image());
  image.src = url;
  image.alt = caption;
  add(figure, 'figcaption', caption);
}
async function show(file) {
  answer.textContent = 'Running...';
  const response = await fetch('api/example', {
    method: 'POST', body: file, headers: {'Content-Type': 'application/octet-stream'}});
  const made = await response.json();
  answer.textContent = '';
  if (made.error) return add(answer, 'p', made.error);
  for (const p of made.predictions) {
    add(answer, 'p', p.name + ' ' + (100 * p.probability).toFixed(2) + ' %');
  }
  if (made.picture) picture(made.picture, 'The picture');
  for (const a of made.attributions) picture(a.overlay, a.title + ': ' + a.target.name);
  for (const a of made.activations) picture(a.grid, a.node + ' ' + a.shape.join('x'));
}
document.getElementById('file').addEventListener('change', event => {
  if (event.target.files.length > 0) {
    show(event.target.files[0]).catch(error => { answer.textContent = error.message; });
  }
});
</script>
</html>
)";

}  // namespace

absl::StatusOr<std::string> ServedPage(const Model& /*model*/) { return std::string(kServedPage); }

}  // namespace weft
