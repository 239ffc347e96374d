// Shows the data of the API: destinations as a map and as a list, and events and news.

'use strict';

const COLOURS = ['#2f6b4f', '#b4532a', '#3d6fa5', '#8a5a9e', '#c29a2c', '#4f8f8b', '#a3405c', '#6b7b3a', '#555c6e'];
const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en');
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

async function load(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// Sets only text, so that nothing from the database is taken for HTML.
function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function card(list, title, detail, text) {
  const item = element('li', undefined, list);
  element('strong', title, item);
  element('small', detail, item);
  if (text) element('p', text, item);
  return item;
}

// Maps longitude and latitude to the drawing; a degree of longitude is shorter by the cosine of the latitude.
function projection(places) {
  const range = (values) => [Math.min(...values), Math.max(...values)];
  const [west, east] = range(places.map((place) => place.longitude));
  const [south, north] = range(places.map((place) => place.latitude));
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = Math.min(540 / ((east - west) * squeeze || 1), 740 / (north - south || 1));
  return (place) => ({
    x: 300 + (place.longitude - (west + east) / 2) * squeeze * scale,
    y: 400 - (place.latitude - (south + north) / 2) * scale,
  });
}

function drawPlaces(places) {
  const kinds = [...new Set(places.map((place) => place.kind))].sort();
  const colour = (kind) => COLOURS[kinds.indexOf(kind) % COLOURS.length];
  for (const kind of kinds) {
    const item = element('li', undefined, byId('legend'));
    element('i', undefined, item).style.background = colour(kind);
    item.append(kind);
  }
  const project = projection(places);
  const entries = places.map((place) => {
    const { x, y } = project(place);
    const marker = document.createElementNS(SVG, 'circle');
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 7, fill: colour(place.kind) })) marker.setAttribute(name, value);
    const title = document.createElementNS(SVG, 'title');
    title.textContent = place.name;
    marker.append(title);
    byId('map').append(marker);
    const height = place.elevation_m === null ? '' : ` · ${number.format(place.elevation_m)} m`;
    return { place, marker, item: card(byId('places'), place.name, place.kind + height, place.description) };
  });
  const choose = (chosen) => {
    for (const entry of entries) {
      entry.marker.classList.toggle('chosen', entry === chosen);
      entry.item.classList.toggle('chosen', entry === chosen);
    }
    chosen.item.scrollIntoView({ block: 'nearest' });
  };
  for (const entry of entries) {
    entry.marker.addEventListener('click', () => choose(entry));
    entry.item.addEventListener('click', () => choose(entry));
  }
  byId('filter').addEventListener('input', ({ target }) => {
    const wanted = target.value.trim().toLowerCase();
    for (const { place, marker, item } of entries) {
      const hidden = !`${place.name} ${place.kind} ${place.description}`.toLowerCase().includes(wanted);
      item.hidden = hidden;
      marker.style.display = hidden ? 'none' : '';
    }
  });
}

async function main() {
  const [site, places, news, events] = await Promise.all([
    load('api/site'), load('api/destinations'), load('api/news?limit=50'), load('api/events?limit=50'),
  ]);
  document.title = site.name;
  byId('site').textContent = site.name;
  drawPlaces(places);
  for (const event of events) card(byId('events'), event.title, `${day.format(new Date(event.starts))} · ${event.place} · ${event.status}`);
  for (const entry of news) card(byId('news'), entry.title, `${day.format(new Date(entry.published_at))} · ${entry.tags.join(', ')}`, entry.body);
  byId('summary').textContent = `${number.format(places.length)} destinations, ${events.length} events, ${news.length} news`;
  document.body.dataset.ready = 'yes';
}

main().catch((problem) => {
  byId('summary').textContent = `This page cannot be shown: ${problem.message}`;
});
