// A drawing wider than its box begins with its first step, which stands in the middle.
for (const box of document.querySelectorAll(".diagram")) box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
