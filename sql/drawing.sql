-- What drawings are made of: numbers as people read them, and labels that fit and harm nobody.
SET search_path = cjm, public;

-- Numbers: every border between two forms, from both sides.
SELECT n, cjm_internal.draw_count(n), cjm_internal.draw_short(n) FROM unnest('{0, 1, 999, 1000, 1004, 1005, 9994, 9995, 99949, 99950, 999499, 999500, 999500000,
	999499999999, 9223372036854775807}'::bigint[]) n;
-- Beside a larger one it is in the unit of that, and as precise.
SELECT m AS beside, array_agg(cjm_internal.draw_short(n, cjm_internal.draw_words('en'), m) ORDER BY n) FROM unnest('{0, 450, 12345, 450000}'::bigint[]) n, unnest('{0, 999, 12345, 1234567, 9223372036854775807}'::bigint[]) m GROUP BY m ORDER BY m;
SELECT r, cjm_internal.draw_rate(r) FROM unnest('{0, 1e-9, 0.000499, 0.0005, 0.405, 0.99949, 0.9995, 0.999999999, 1}'::float8[]) r;
SELECT s, cjm_internal.draw_time(s) FROM unnest('{0, 0.0000004, 0.00099994, 0.00099995, 0.99994, 0.99995, 1.04, 9.94, 9.95, 59.94, 59.95, 3596, 3597, 36000, 86219,
	86220, 86400, 90000, 171000, 864000, 1e10}'::float8[]) s;
SELECT d, cjm_internal.draw_points(d) FROM unnest('{-1, -0.1234, 0, 0.00049, 1}'::float8[]) d;
SELECT cjm_internal.draw_count(NULL), cjm_internal.draw_short(NULL), cjm_internal.draw_rate(NULL), cjm_internal.draw_time(NULL), cjm_internal.draw_points(NULL);

-- Nothing but ASCII comes out, and nothing that XML reads as anything else than text.
SELECT cjm_internal.svg_escape('a < b && c > "d" ''e'' ]]> ж') AS escaped, cjm_internal.svg_escape(E'\x01\t\n\x1f\x7f') AS controls, cjm_internal.svg_escape('') = '' AS empty;
SELECT cjm_internal.svg_escape(U&'\0085\FFFE\+01FFFF\FDD0|\2028') AS not_for_xml;
-- As many accents as a language has stay on a letter.
SELECT cjm_internal.svg_escape(U&'e\0301\0323\0301\0301\0301x\0301') AS accents;

-- Lines: widths are for the widest of usual fonts, words stay whole where they can, and characters always.
SELECT cjm_internal.svg_width('view') AS view, cjm_internal.svg_width('WWW') AS wide, cjm_internal.svg_width('iii') AS narrow, cjm_internal.svg_width('日本') AS ideographs, cjm_internal.svg_width('') AS empty;
SELECT room, cjm_internal.svg_lines('solution_choice and more', room) AS one, cjm_internal.svg_lines('solution_choice and more', room, 2) AS two
FROM unnest('{0, 1, 3, 6, 9, 1000, Infinity, NaN, -1}'::float8[]) room;
SELECT cjm_internal.svg_lines('', 5), cjm_internal.svg_lines('a', 5, 0), cjm_internal.svg_lines('a b', 5, -1), cjm_internal.svg_lines('Donaudampfschifffahrt', 4, 3), cjm_internal.svg_lines('日本語のラベル', 3, 3);
-- A number stays with its unit, and with no longer word.
SELECT cjm_internal.svg_lines('target 1.0 d, above', 5.5, 3) AS unit, cjm_internal.svg_lines('target 10 customers', 5.5, 4) AS word, cjm_internal.svg_lines('target 1.0 d', 3, 4) AS narrow, cjm_internal.svg_lines('in 24 часа.', 4, 3) AS cyrillic;
-- A family is one character, and so are a flag, a letter with its accents and a syllable of Hangul in parts.
SELECT n, cjm_internal.svg_lines(repeat(U&'\+01F468\200D\+01F469\200D\+01F467', n), 8) FROM generate_series(1, 3) n;
SELECT cjm_internal.svg_lines(repeat(U&'\+01F1F1\+01F1FB', 4), 6.5) AS flags, cjm_internal.svg_lines(repeat(U&'e\0301', 6), 3.5) AS accents, cjm_internal.svg_lines(repeat(U&'\1112\1161\11AB', 4), 6) AS hangul;
-- What is read from the right has its ellipsis on the left; the first letter decides.
SELECT cjm_internal.svg_lines(U&'1. \0627\0644\0633\0644\0629 abc', 4) AS arabic, cjm_internal.svg_lines(U&'a \05D0', 9) AS latin;
SELECT cjm_internal.svg_lines(repeat('ж', 200), 3), length((cjm_internal.svg_lines(repeat('x', 1000000), 1e9))[1]);

-- In a terminal.
SELECT cjm_internal.chart_cells('view') AS view, cjm_internal.chart_cells('日本') AS wide, cjm_internal.chart_cells(U&'e\0301') AS accented, cjm_internal.chart_cells('') AS empty;
SELECT n, '[' || cjm_internal.chart_label('日本語', n, false) || ']' AS label FROM unnest('{0, 1, 2, 3, 4, 5, 6, 8, -1}'::integer[]) n;
SELECT '[' || cjm_internal.chart_label(E'a\nb\x01', 5, false) || ']' AS pictures, '[' || cjm_internal.chart_label(E'a\nb\x01', 5, true) || ']' AS plain, '[' || cjm_internal.chart_label('awareness', 5, true) || ']' AS cut;
SELECT n, '[' || cjm_internal.chart_label('first of all', n, false, '2 ') || ']' AS marked, '[' || cjm_internal.chart_label('日本語のラベル', n, true, '2 ') || ']' AS wide FROM unnest('{0, 1, 2, 3, 4, 7, 8, 12, 20}'::integer[]) n;
SELECT l, '[' || cjm_internal.chart_bar(l, 0.5, 8, false) || ']' AS bar, '[' || cjm_internal.chart_bar(l, 0.5, 8, true) || ']' AS plain
FROM unnest('{0, 1e-9, 0.05, 0.5, 0.6, 0.99999, 1, 2, -1, NaN}'::float8[]) l;
