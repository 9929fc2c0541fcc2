// Before the first paint, so that nobody who chose dark is dazzled. A file, as the page's policy (CSP) allows nothing inline.
try {
  const theme = localStorage.getItem('fleet-commands.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Without storage it is the theme of the system.
}
