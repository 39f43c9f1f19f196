"""How much one document may ask of us. Beyond it is refused with the limit, never cut off in silence."""

MAX_BYTES = 10 * 1024 * 1024  # as sent
MAX_TEXT_CHARS = 5_000_000  # of text in the end: about ten thick books
MAX_DEPTH = 200  # elements within elements
MAX_PAGES = 500  # of a PDF
MAX_ZIP_ENTRIES = 2_000
MAX_ZIP_BYTES = 60 * 1024 * 1024  # of all entries, unpacked
MAX_ZIP_RATIO = 200  # unpacked to packed, of an entry that is large at all
LARGE_ENTRY_BYTES = 1024 * 1024
# Of the child process.
MEMORY_BYTES = 768 * 1024 * 1024  # address space, the interpreter's own 100 MB included
CPU_S = 20
WALL_S = 25  # within the time limit of a worker's task
