#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# reserve.sh ORDER: prints the reservation as JSON, which is merged into the context and handed to the undo.
set -eu
. "$(dirname "$0")/ledger.sh"
note done reserve "$1"
printf '{"reservation": "R-%s"}\n' "$1"
