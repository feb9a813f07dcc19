// What holds for all files of the page: text is only ever text, nothing is inline, all is preloaded.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const UI = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (file) => readFileSync(join(UI, file), 'utf8');
const modules = ['lib', 'pages']
  .flatMap((folder) => readdirSync(join(UI, folder), { recursive: true, withFileTypes: true }))
  .filter((file) => file.isFile() && file.name.endsWith('.js'))
  .map((file) => relative(UI, join(file.parentPath, file.name)))
  .sort();
const styles = readdirSync(join(UI, 'css')).map((file) => `css/${file}`).sort();

test('no module writes markup or runs text', () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\(|new Function\b/;
  for (const file of [...modules, 'app.js', 'index.html']) {
    assert.doesNotMatch(read(file), forbidden, file);
  }
});

test('the page has neither inline scripts nor inline styles', () => {
  const html = read('index.html');
  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|<style/);
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/);
});

/** What a module and those that it imports need; pages that are loaded later are not among them. */
function needs(file, found = new Set()) {
  for (const [, path] of read(file).matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)';/gm)) {
    const needed = join(dirname(file), path);
    if (!found.has(needed)) {
      found.add(needed);
      needs(needed, found);
    }
  }
  return found;
}

test('every module of the first page is preloaded, under the hashed address', () => {
  const preloaded = [...read('index.html').matchAll(/modulepreload" href="\/assets\/\{\{assets\}\}\/([^"]+)"/g)];
  assert.deepEqual(preloaded.map(([, file]) => file).sort(), [...needs('app.js')].sort());
});

test('every module is used', () => {
  const used = new Set(needs('app.js'));
  for (const page of ['pages/build.js', 'pages/logs.js', 'pages/monitor.js', 'pages/sign_in.js', 'lib/view/help.js']) {
    used.add(page);
    needs(page, used);
  }
  assert.deepEqual([...used].sort(), modules);
});

test('a comment that ends on a line is followed by nothing there', () => {
  // The server leaves out comments by whole lines.
  for (const file of [...modules, 'app.js']) {
    assert.doesNotMatch(read(file), /^(?!.*\/\*).*\*\/[^\S\n]*\S/m, file);
  }
});

test('every style sheet is in the one of every page, or loaded with its page', () => {
  const program = readFileSync(join(UI, '../src/http/assets.rs'), 'utf8');
  const ofEveryPage = [...program.matchAll(/"(css\/\w+\.css)"/g)].map(([, file]) => file).filter((file) => styles.includes(file));
  const later = [...read('app.js').matchAll(/loadStyles\(([^)]*)\)/g)].flatMap(([, names]) => names.match(/\w+/g));
  assert.deepEqual([...new Set([...ofEveryPage, ...later.map((name) => `css/${name}.css`)])].sort(), styles);
});

test('no text goes on over lines, whose indentation the server leaves out', () => {
  for (const file of [...modules, 'app.js']) {
    const code = read(file).replace(/^\s*(\/\*\*[^]*?\*\/|\/\/.*)$/gm, '');
    for (const line of code.split('\n')) {
      assert.equal((line.match(/`/g) ?? []).length % 2, 0, `${file}: ${line}`);
    }
  }
});

test('everything is our own: no address leads elsewhere', () => {
  for (const file of [...modules, ...styles, 'app.js', 'index.html']) {
    const elsewhere = read(file).replaceAll('http://www.w3.org/2000/svg', '').match(/https?:\/\/|@import url|\burl\(/);
    assert.equal(elsewhere, null, file);
  }
});
