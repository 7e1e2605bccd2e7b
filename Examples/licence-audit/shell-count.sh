#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# shell-count.sh FOLDER: how many packages name which licence, by a plain pipeline that knows nothing of Cano.
# Prints lines of packages, tab, licence, in the order of the report.
set -eu
LC_ALL=C
export LC_ALL
folder=${1:?usage: shell-count.sh FOLDER}

for file in "$folder"/*/copyright; do
    if ! [ -f "$file" ] || ! [ -r "$file" ]; then continue; fi
    found=
    # The first paragraph tells whether the file is machine-readable.
    if sed -e 's/\r//g' "$file" | sed -n -e '/[^[:blank:]]/,/^[[:blank:]]*$/p;' | sed -e '/^[[:blank:]]*$/q' |
        grep -qiE '^format(-specification)?:'; then
        found=$(grep -iE '^license:' "$file" | sed -e 's/^[^:]*://' -e 's/[()]/ /g' -e 's/[,;]/\n/g' |
            tr '\t\r' '  ' | sed -e 's/ \+/ /g' -e 's/^/ /' -e 's/$/ /' |
            sed -E -e ':again' -e 's# (or|and|and/or) #\n #I' -e 'tagain' |
            sed -e 's/^ *//' -e 's/ .*//' -e 's/\.*$//' | tr -cd '!-~\n' | grep . || true)
    fi
    if [ -z "$found" ]; then
        found=$(grep -aoE '/usr/share/common-licenses/[A-Za-z0-9.+-]+' "$file" |
            sed -e 's#.*/##' -e 's/\.*$//' | grep . || true)
    fi
    printf '%s\n' "${found:-unknown}" | sort -u
done | sort | uniq -c | awk '{ printf "%d\t%s\n", $1, $2 }' | sort -t "$(printf '\t')" -k1,1nr -k2,2
