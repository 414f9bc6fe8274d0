/* The report works without this: it adds the arrow keys within a table of bytes, Escape to put an explanation away, and
   opens the check that a link points at. */
(function () {
    "use strict";
    function fields(table) {
        return Array.prototype.slice.call(table.querySelectorAll(".f"));
    }
    document.addEventListener("keydown", function (event) {
        var at = document.activeElement;
        if (event.key === "Escape") {
            document.body.classList.add("hush");
            return;
        }
        if (!at || !at.classList.contains("f") || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) {
            return;
        }
        var all = fields(at.closest("table"));
        var next = all[all.indexOf(at) + (event.key === "ArrowRight" ? 1 : -1)];
        if (next) {
            document.body.classList.remove("hush");
            next.focus();
            event.preventDefault();
        }
    });
    ["focusin", "mouseover"].forEach(function (name) {
        document.addEventListener(name, function () { document.body.classList.remove("hush"); });
    });
    document.addEventListener("click", function (event) {
        var field = event.target.closest ? event.target.closest(".f") : null;
        if (field) {
            field.focus(); /* Not every browser gives a button the focus when it is tapped. */
            field.scrollIntoView({ block: "nearest", inline: "nearest" }); /* Out from behind its own explanation. */
        }
    });
    function open() {
        var target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
        if (target && target.tagName === "DETAILS") {
            target.open = true;
        }
    }
    window.addEventListener("hashchange", open);
    open();
    document.documentElement.dataset.keys = "ready";
})();
