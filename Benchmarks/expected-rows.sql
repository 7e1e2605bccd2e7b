-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- How many accepted outcomes the benchmark's finished runs stand for, one history row each: 1 for each run of one state,
-- 10 for each of ten; and half of the splits had 1,000 branches, half 10,000.
SELECT sum(CASE workflow WHEN 'bench-one' THEN 1 WHEN 'bench-stamp' THEN 1 WHEN 'bench-ten' THEN 10 ELSE 0 END)
    || ' outcomes, ' || sum(CASE workflow WHEN 'bench-fan' THEN 5500 ELSE 0 END) || ' branches'
FROM run_finished
