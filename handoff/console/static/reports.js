/* A report is printed by a button, where there is a script; else from the browser's own menu. */
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => print()));
/* Days of one's own are chosen by typing them. */
const period = document.querySelector("#period");
document.querySelectorAll("#first, #last").forEach((day) => day.addEventListener("input", () => { period.value = "own"; }));
