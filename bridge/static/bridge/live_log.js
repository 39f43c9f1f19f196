// The log of a server as it grows: asks every two seconds for what came after the last line, while the page is seen.
"use strict";
(() => {
    const log = document.getElementById("mcp-log");
    const note = document.getElementById("mcp-log-note");
    const words = note.textContent;
    let after = log.dataset.after;
    log.scrollTop = log.scrollHeight;

    async function ask() {
        if (!document.hidden) {
            try {
                const answer = await fetch(`${log.dataset.lines}?after=${encodeURIComponent(after)}`);
                if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
                show((await answer.json()).items);
                note.textContent = words;
            } catch {
                note.textContent = "New lines cannot be fetched now; trying again.";
            }
        }
        setTimeout(ask, 2000);
    }

    function show(items) {
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        for (const line of items) log.append(`${line.at} ${line.pid} ${line.stream} ${line.text}\n`);
        if (items.length) after = items[items.length - 1].id;
        while (log.childNodes.length > 2000) log.firstChild.remove();
        if (isAtEnd) log.scrollTop = log.scrollHeight;
    }

    setTimeout(ask, 2000);
})();
