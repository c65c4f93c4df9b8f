// Starts the compiled page. A file of its own because the Content-Security-Policy allows no inline script.
import init, { start } from "./tls_guarantee.js";

init().then(start).catch((error) => {
  console.error(error);
  document.getElementById("boot-wait")?.remove();
  document.getElementById("boot-failed").hidden = false;
});
