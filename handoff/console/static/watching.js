// A watch ends when its page is left: the holder need not wait for it to run out.
let goesOn = false;
addEventListener("submit", () => (goesOn = true));
addEventListener("pagehide", () => {
  const leave = document.getElementById("unwatch");
  if (leave && !goesOn) navigator.sendBeacon(leave.action, new URLSearchParams(new FormData(leave)));
});
