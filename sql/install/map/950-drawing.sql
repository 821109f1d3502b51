--
-- What drawings have in common: text that fits, words in several languages, numbers
-- as people read them, and how a drawing is to look.  Pages are in 955-page.sql.
--
-- An SVG here is printable ASCII and nothing else: every other character is
-- written by its number, so that the file is right whatever the encodings of
-- the database and of the client are.  Labels become part of it by svg_lines
-- and svg_escape alone.  Colours and fonts stand in svg_style (955) and nowhere else.
-- The same data give the same bytes.
--

CREATE FUNCTION cjm_internal.svg_escape(label text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_escape'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_escape(text) IS
	'a text as character data of XML, in ASCII; control characters become visible';

CREATE FUNCTION cjm_internal.svg_lines(label text, room float8, max_lines integer DEFAULT 1, mark text DEFAULT '') RETURNS text[]
	AS 'MODULE_PATHNAME', 'svg_lines'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_lines(text, float8, integer, text) IS
	'the same in lines that are at most so wide, in sizes of the font, whatever the font; what does not fit is cut in its middle, where an ellipsis stands and the mark, never inside a character';

CREATE FUNCTION cjm_internal.svg_width(label text) RETURNS float8
	AS 'MODULE_PATHNAME', 'svg_width'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_width(text) IS 'how wide a text is at most, in sizes of the font';

CREATE FUNCTION cjm_internal.chart_cells(label text) RETURNS integer
	AS 'MODULE_PATHNAME', 'chart_cells'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_cells(text) IS 'how many cells of a terminal a text takes';

CREATE FUNCTION cjm_internal.chart_label(label text, cells integer, plain boolean, mark text DEFAULT '') RETURNS text
	AS 'MODULE_PATHNAME', 'chart_label'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_label(text, integer, boolean, text) IS
	'a text in exactly so many cells of a terminal, filled up, or cut in its middle, where an ellipsis stands and the mark; plain: without characters that an encoding may lack';

CREATE FUNCTION cjm_internal.chart_bar(length float8, before float8, cells integer, plain boolean, open float8 DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'chart_bar'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_bar(float8, float8, integer, boolean, float8) IS
	'a bar of block characters, lighter up to where the bar before it ends, and not as light for the length open; lengths are shares of the cells; plain: in ASCII';

--
-- Words, and numbers as people read them
--
-- w is the words of a language: an object that draw_words has made.
--

CREATE FUNCTION cjm_internal.draw_words(language text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'draw_words'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.draw_words(text) IS 'the words of drawings in a language, en, ru or lv, by their keys; NULL for another one';

-- Nothing is said of what is NULL.
CREATE FUNCTION cjm_internal.draw_say(w jsonb, key text, VARIADIC said text[] DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'draw_say'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_say(jsonb, text, text[]) IS 'a word of drawings with what belongs into it; NULL if that is NULL';

CREATE FUNCTION cjm_internal.draw_count(count bigint, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_count(bigint, jsonb) IS 'a number in groups of three digits';

-- %1$s is the number.
CREATE FUNCTION cjm_internal.draw_plural(w jsonb, key text, count bigint, VARIADIC said text[] DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'draw_plural'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_plural(jsonb, text, bigint, text[]) IS 'a word of drawings in the form that belongs to a number';

-- Three digits that count: 999, 1.23k, 45.6M; beside a larger one as precise as that: 0.46M.
CREATE FUNCTION cjm_internal.draw_short(count bigint, w jsonb DEFAULT cjm_internal.draw_words('en'), beside bigint DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_short'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_short(bigint, jsonb, bigint) IS 'a number in three digits, or in the unit and as precise as the larger one beside it';

-- Nobody is not almost nobody, and all are not almost all.
CREATE FUNCTION cjm_internal.draw_rate(rate float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_rate'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_rate(float8, jsonb) IS 'a share in percent';

-- To a tenth of the largest unit of which there is one, as rounded.
CREATE FUNCTION cjm_internal.draw_time(seconds float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_time'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_time(float8, jsonb) IS 'a length of time';

CREATE FUNCTION cjm_internal.svg_rate(rate float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(cjm_internal.draw_rate(rate, w));
COMMENT ON FUNCTION cjm_internal.svg_rate(float8, jsonb) IS 'a share in percent, as character data of XML';

CREATE FUNCTION cjm_internal.draw_points(difference float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_points'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.draw_points(float8, jsonb) IS 'a difference of shares in percentage points, with its sign';

CREATE FUNCTION cjm_internal.svg_number(x float8) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_number'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_number(float8) IS 'a coordinate';

-- What of a label fits into some lines is the same of none two.
CREATE FUNCTION cjm_internal.svg_distinct_lines(labels text[], room float8, max_lines integer) RETURNS TABLE (place bigint, label text, lines text[])
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500 ROWS 10
BEGIN ATOMIC
	SELECT l.place, l.label, CASE WHEN l.same = 1 THEN l.lines ELSE cjm_internal.svg_lines(l.label, room, max_lines, l.same::text || ' ') END
	FROM (SELECT u.place, u.label, c.lines, dense_rank() OVER (PARTITION BY c.lines ORDER BY u.label COLLATE "C") AS same
		FROM unnest(labels) WITH ORDINALITY u(label, place) CROSS JOIN LATERAL (SELECT cjm_internal.svg_lines(u.label, room, max_lines) AS lines) c) l;
END;
COMMENT ON FUNCTION cjm_internal.svg_distinct_lines(text[], float8, integer) IS 'labels in lines, as svg_lines has them; where two are cut to the same, all but the first have a number behind the ellipsis';

--
-- How a drawing is to look: what was said of its words, its size and its colours
--

CREATE FUNCTION cjm_internal.svg_luminance(colour text) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT sum(c.weight * CASE WHEN c.value <= 0.04045 THEN c.value / 12.92 ELSE ((c.value + 0.055) / 1.055) ^ 2.4 END)
	FROM (SELECT v.weight, get_byte(decode(substr(colour, 2), 'hex'), v.place) / 255.0::float8 AS value FROM (VALUES (0, 0.2126), (1, 0.7152), (2, 0.0722)) v(place, weight)) c);
COMMENT ON FUNCTION cjm_internal.svg_luminance(text) IS 'relative luminance of a colour #rrggbb, as in WCAG 2';

CREATE FUNCTION cjm_internal.draw_colour_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{customers,gone_on,open,refused,dropped,channels,mood,better,worse}'::text[];
COMMENT ON FUNCTION cjm_internal.draw_colour_names() IS 'what may have a colour that the caller chooses';

-- A colour is one for both schemes, or one for each; shapes have 3 times the contrast of the paper, but for the band of those who went on, which is light.
CREATE FUNCTION cjm_internal.draw_colours(colours jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one record;
	chosen jsonb := '{}';
	ratio float8;
BEGIN
	IF colours IS NULL OR colours = 'null' THEN
		RETURN '{}';
	ELSIF jsonb_typeof(colours) <> 'object' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('colours are no object: %s', left(colours::text, 100)), HINT = 'Such as {"open": "#6541a5", "dropped": {"light": "#b35806", "dark": "#f0a676"}}.';
	END IF;
	FOR one IN SELECT c.key, s.scheme, s.paper, CASE WHEN jsonb_typeof(c.value) = 'object' THEN c.value ->> s.scheme ELSE c.value #>> '{}' END AS colour
		FROM jsonb_each(colours) c CROSS JOIN (VALUES ('light', '#ffffff'), ('dark', '#14181d')) s(scheme, paper) ORDER BY c.key COLLATE "C", s.scheme DESC
	LOOP
		IF one.key <> ALL (cjm_internal.draw_colour_names()) THEN
			RAISE invalid_parameter_value USING MESSAGE = format('nothing in a drawing is called "%s"', left(one.key, 100)), HINT = 'Colours are of ' || array_to_string(cjm_internal.draw_colour_names(), ', ') || '.';
		ELSIF one.colour IS NULL OR one.colour !~ '^#[0-9A-Fa-f]{6}$' THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the %s colour of %s is not #rrggbb: %s', one.scheme, one.key, coalesce(left(one.colour, 100), 'NULL')), HINT = 'Such as "#6541a5", or {"light": "#6541a5", "dark": "#c3aef2"}.';
		END IF;
		SELECT (greatest(l.a, l.b) + 0.05) / (least(l.a, l.b) + 0.05) INTO ratio FROM (SELECT cjm_internal.svg_luminance(one.colour) AS a, cjm_internal.svg_luminance(one.paper) AS b) l;
		IF ratio < 3 AND one.key <> 'gone_on' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s could hardly be seen in %s on %s: their contrast is %s', one.key, one.colour, CASE one.scheme WHEN 'dark' THEN 'dark paper' ELSE 'white' END, round(ratio::numeric, 2)),
				HINT = 'Shapes need 3. Choose another one, or one for each of light and dark: {"light": "#6541a5", "dark": "#c3aef2"}.';
		END IF;
		chosen := jsonb_set(chosen, ARRAY[one.key], coalesce(chosen -> one.key, '{}') || jsonb_build_object(one.scheme, one.colour));
	END LOOP;
	RETURN chosen;
END
$$;
COMMENT ON FUNCTION cjm_internal.draw_colours(jsonb) IS 'the colours that were chosen, of each one for light and one for dark; an error if one cannot be';

-- What a word stands for is put into it by format, so it has the places that ours has.
CREATE FUNCTION cjm_internal.draw_language(language text, words jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ours jsonb := cjm_internal.draw_words(coalesce(language, 'en'));
	one record;
BEGIN
	IF ours IS NULL AND words IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('drawings have no words in the language "%s"', left(language, 100)),
			HINT = 'They have en, ru and lv; give the words of another one: words => ''{"customers": "Kunden", ...}'', by the keys of cjm_internal.draw_words(''en'').';
	ELSIF language !~ '^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}$' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('"%s" is no language', left(language, 100)), HINT = 'A language is such as en, ru, lv or de-AT.';
	ELSIF jsonb_typeof(words) <> 'object' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('words are no object: %s', left(words::text, 100)), HINT = 'Such as {"customers": "Kunden", "dropped": "verloren"}.';
	END IF;
	ours := coalesce(ours, cjm_internal.draw_words('en'));
	FOR one IN SELECT w.key, w.value, w.value #>> '{}' AS word, ours ->> w.key AS our FROM jsonb_each(words) w ORDER BY w.key COLLATE "C"
	LOOP
		IF one.our IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('drawings have no word "%s"', left(one.key, 100)),
				HINT = coalesce(format('Nearest is "%s".', cjm_internal.map_nearest(one.key, ARRAY(SELECT jsonb_object_keys(ours)))), 'All are keys of cjm_internal.draw_words(''en'').');
		ELSIF jsonb_typeof(one.value) <> 'string' OR length(one.word) > 1000 THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the word "%s" is no text of at most 1000 characters: %s', one.key, left(one.value::text, 100));
		ELSIF one.key = 'plural' AND one.word NOT IN ('en', 'ru', 'lv') THEN
			RAISE invalid_parameter_value USING MESSAGE = format('plural cannot be "%s"', left(one.word, 100)), HINT = 'It is en, ru or lv: whose rule says which form of a word belongs to a number.';
		ELSIF one.key !~ 'date$' AND (regexp_replace(one.word, '%([12345]\$s|%)', '', 'g') ~ '%' OR
			EXISTS (SELECT FROM regexp_matches(one.word, '%[12345]\$s', 'g') m WHERE position(m[1] IN one.our) = 0) OR
			EXISTS (SELECT FROM string_to_table(one.word, '|') f(form) CROSS JOIN regexp_matches(one.our, '%[12345]\$s', 'g') m WHERE position(m[1] IN f.form) = 0)) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('the word "%s" has not the places that it has to have: %s', one.key, left(one.word, 100)),
				HINT = format('In English it is "%s"; %% alone is %%%%.', one.our);
		END IF;
	END LOOP;
	RETURN ours || coalesce(words, '{}');
END
$$;
COMMENT ON FUNCTION cjm_internal.draw_language(text, jsonb) IS 'the words of a drawing: of a language, and the caller''s in their place; an error if they cannot be';

CREATE FUNCTION cjm_internal.draw_look(title text, subtitle text, language text, words jsonb, scale_to float8, width integer, colours jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF scale_to <= 0 OR scale_to IN ('NaN', 'Infinity') THEN
		RAISE invalid_parameter_value USING MESSAGE = format('scale_to cannot be %s', scale_to), HINT = 'It is what the largest of what is drawn stands for: more than 0.';
	ELSIF width NOT BETWEEN 320 AND 20000 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a drawing cannot be %s wide', width), HINT = 'Choose 320 to 20000; what needs more room than that takes it.';
	END IF;
	RETURN jsonb_build_object('w', cjm_internal.draw_language(language, words), 'language', coalesce(language, 'en'), 'title', nullif(title, ''), 'subtitle', nullif(subtitle, ''),
		'scale', scale_to::numeric, 'width', width, 'colours', cjm_internal.draw_colours(colours));
END
$$;
COMMENT ON FUNCTION cjm_internal.draw_look(text, text, text, jsonb, float8, integer, jsonb) IS 'how a drawing is to look: its words w, language, title, subtitle, scale, width and colours; an error if that cannot be';

CREATE FUNCTION cjm_internal.draw_look() RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.draw_look(NULL, NULL, 'en', NULL, NULL, NULL, NULL);
COMMENT ON FUNCTION cjm_internal.draw_look() IS 'how a drawing looks of which nothing is said';
