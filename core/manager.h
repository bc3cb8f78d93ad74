/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager (systemd) is told: readiness, reloads, status, the watchdog. */
#ifndef TANDEM_MANAGER_H
#define TANDEM_MANAGER_H

struct supervisor;

void manager_init(struct supervisor *s); /* starts feeding the watchdog, if there is one */
void manager_done(struct supervisor *s);
void manager_ready(struct supervisor *s);
void manager_reloading(struct supervisor *s);
void manager_stopping(struct supervisor *s);
/* The one line of `systemctl status`. */
void manager_status(const char *status);

#endif
