// The wrap-up by keyboard: a digit chooses in the group one is in, or in the next that is open, and goes on; Enter closes.
const form = document.getElementById("closing");
const groups = [...form.querySelectorAll("[data-digits]")];
const radios = (group) => [...group.querySelectorAll("input[type=radio]")];
const isAnswered = (group) => radios(group).some((radio) => radio.checked);
const next = (group) => groups[groups.indexOf(group) + 1];

let routeIsChosen = radios(groups.find((group) => group.dataset.digits === "route")).some((radio) => radio.checked);

function choose(group, choice) {
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
  const after = next(group);
  if (!after) return document.getElementById("wants_talk").focus();
  (radios(after).find((radio) => radio.checked) ?? radios(after)[0]).focus();
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "route") routeIsChosen = true;
  if (target.name !== "outcome" || routeIsChosen) return;
  for (const radio of form.querySelectorAll("input[name=route]")) radio.checked = radio.value === target.dataset.route;
});

form.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Enter" && event.target.matches("select")) {
    event.preventDefault();
    return form.requestSubmit();
  }
  if (!/^[1-9]$/.test(event.key) || event.target.id === "urls" || localStorage.getItem("keys") === "off") return;
  const group = event.target.closest("[data-digits]") ?? groups.find((each) => !isAnswered(each));
  const choice = group && radios(group)[Number(event.key) - 1];
  if (!choice) return;
  event.preventDefault();
  choose(group, choice);
});
