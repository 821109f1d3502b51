--
-- What there is to say about the tables and views of a map that is steered
--

CREATE FUNCTION cjm_internal.steering_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 75
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('notes', NULL, 'moments of this map that charts show: what happened'),
		('notes', 'at', 'when it happened'),
		('notes', 'text', 'what it was'),
		('notes', 'written_at', 'when that was written down'),

		('stage_notes', NULL, 'what people say of the stages of this map'),
		('stage_notes', 'stage', 'the stage'),
		('stage_notes', 'persona', 'of whom it is said, NULL for everybody'),
		('stage_notes', 'quote', 'what a customer says'),
		('stage_notes', 'pain', 'what hurts'),
		('stage_notes', 'action', 'what is done about it'),
		('stage_notes', 'owner', 'by whom'),
		('stage_notes', 'described_at', 'when that was written down'),

		('comments', NULL, 'what customers wrote, as this map reads it from the rows of the source'),
		('comments', 'customer', 'who wrote it'),
		('comments', 'at', 'when'),
		('comments', 'event', 'with which event'),
		('comments', 'value', 'and with which value'),
		('comments', 'comment', 'what it was'),

		('targets', NULL, 'what the figures of this map are to reach'),
		('targets', 'metric', 'the figure, as metric_report has it'),
		('targets', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('targets', 'stage', 'its name'),
		('targets', 'by', 'what the figure is split by, NULL for all customers'),
		('targets', 'by_value', 'and which part of it'),
		('targets', 'direction', 'at least, or at most'),
		('targets', 'value', 'what it is to reach, or not to exceed'),
		('targets', 'from_day', 'it is in force for weeks that begin on this day or later, until another of the same begins'),
		('targets', 'set_at', 'when that was said'),

		('kpis', NULL, 'one row per figure with a target: the last week that is over, and whether the target is met'),
		('kpis', 'metric', 'the figure, as metric_report has it'),
		('kpis', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('kpis', 'stage', 'its name'),
		('kpis', 'by', 'what the figure is split by, NULL for all customers'),
		('kpis', 'by_value', 'and which part of it'),
		('kpis', 'week', 'the Monday of the last week that is over and has the figure, NULL if none has'),
		('kpis', 'n', 'what the figure is a share or a mean of, or how many are counted'),
		('kpis', 'actual', 'the figure of that week; times are in seconds'),
		('kpis', 'low', 'lower end of its 95 % interval, NULL of too few'),
		('kpis', 'high', 'upper end of it'),
		('kpis', 'target', 'what it is to reach, of those in force for that week the latest; NULL if none was yet'),
		('kpis', 'direction', 'at least, or at most'),
		('kpis', 'from_day', 'since when that is the target'),
		('kpis', 'gap', 'actual - target'),
		('kpis', 'met', 'whether the actual figure is at the target or on the right side of it'),
		('kpis', 'trend', 'by how much the figure rises a week: the slope of a line through the last eight weeks that are over'),
		('kpis', 'since', 'the Monday of the first week since which all weeks met the target, or all missed it, as this one does'),

		('customer_journeys', NULL, 'customers as in the view of that name, with their journeys: for audiences that ask for a stage and a condition'),

		('alerts_told', NULL, 'alerts of this map that have been told'),
		('alerts_told', 'kind', 'unusual, or target'),
		('alerts_told', 'metric', 'the figure, as metric_report has it'),
		('alerts_told', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('alerts_told', 'by', 'what the figure is split by, NULL for all customers'),
		('alerts_told', 'by_value', 'and which part of it'),
		('alerts_told', 'week', 'the Monday of the week that it is about'),
		('alerts_told', 'sentence', 'what was told'),
		('alerts_told', 'told_at', 'when')) v(relation_name, column_name, comment)
	UNION ALL
	SELECT a.relation_name, a.column_name, a.comment FROM cjm_internal.audience_comments() a;
END;
COMMENT ON FUNCTION cjm_internal.steering_comments() IS 'the comments of what a map that is steered has beside its views';
