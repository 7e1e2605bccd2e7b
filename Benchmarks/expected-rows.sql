-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- How many accepted outcomes the benchmark's finished runs stand for, one history row each, besides `started` and the
-- rows of joins: 1 for each run of one state, 10 for each of ten.
SELECT sum(CASE workflow WHEN 'bench-one' THEN 1 WHEN 'bench-stamp' THEN 1 WHEN 'bench-ten' THEN 10 ELSE 0 END)
FROM run_finished WHERE workflow <> 'bench-fan'
