/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines to the system's log, hardly waited for: syslog(3) blocks while a log daemon that hangs has
 * its socket full, and an advertisement would wait with it.
 */
#ifndef TANDEM_SYSTEM_LOG_H
#define TANDEM_SYSTEM_LOG_H

/* `priority` as syslog(3)'s, without a facility. Waits for room no longer than told. 0, or -errno:
 * the line is lost. */
int system_log_send(int priority, const char *program, const char *text, int patience_ms);

#endif
