-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- How many accepted outcomes the history has of the benchmark's finished runs: each moved its run on (2: entered) or
-- ended it (13: finished); and one row for each branch of its splits (4: branchDone).
SELECT sum(CASE WHEN workflow <> 'bench-fan' AND kind IN (2, 13) THEN 1 ELSE 0 END) || ' outcomes, '
    || sum(CASE WHEN kind = 4 THEN 1 ELSE 0 END) || ' branches'
FROM history JOIN run_finished ON run_finished.id = history.run
