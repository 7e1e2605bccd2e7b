#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Sourced by the other scripts: `note VERB STEP ORDER` appends one line to the ledger, once for each idempotency key.
# Tasks run at least once; the key is the same for every attempt, so a repeated one finds its own line and is done.
ledger=${ORDER_LEDGER:-order-ledger.txt}

note() {
    line="$1 $2 order=$3 key=${CANO_IDEMPOTENCY_KEY:?run by Cano}"
    if [ -f "$ledger" ] && grep -qxF "$line" "$ledger"; then return; fi
    printf '%s\n' "$line" >> "$ledger"
}
