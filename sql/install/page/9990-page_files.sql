--
-- What the page of map_html looks like and does
--
-- page.css and page.js stand beside this file, and take the places of the lines with
-- their names when the install script is put together.  The page names the digests
-- of both, so that a browser runs these and nothing else.
--

CREATE FUNCTION cjm_internal.page_style() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
RETURN $page$
@page.css@
$page$;
COMMENT ON FUNCTION cjm_internal.page_style() IS 'page.css: how the page of map_html looks';

CREATE FUNCTION cjm_internal.page_script() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
RETURN $page$
@page.js@
$page$;
COMMENT ON FUNCTION cjm_internal.page_script() IS 'page.js: what the page of map_html does';
