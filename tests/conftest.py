import jax
import pytest

jax.config.update("jax_num_cpu_devices", 2)  # for batches in parts; what is not split runs on the first


@pytest.fixture(autouse=True)
def our_own_maths():
    """Float64 and no silent promotion, in every thread; a test of code that does not bear it (optax) undoes it."""
    ours = {"jax_enable_x64": True, "jax_numpy_dtype_promotion": "strict"}
    if jax.default_backend() != "cpu":
        ours["jax_default_matmul_precision"] = "highest"  # a GPU would round factors of float32 to ten bits
    before = {name: getattr(jax.config, name) for name in ours}
    for settings in (ours, before):
        for name, value in settings.items():
            jax.config.update(name, value)
        if settings is ours:
            yield


# Each of these takes 6 to 29 s, nearly all of it a search, or the compiler; others of their kind stay.
NAMED = "test_examples.py::test_the_line_is_named_and_the_headline_is_that_of_the_index"
FAULT = "test_planted_faults.py::test_a_planted_fault_is_found_where_it_is"
LONG = {
    "test_check_judge.py::test_each_parameter_is_told_from_the_others[U]",
    "test_check_judge.py::test_each_parameter_is_told_from_the_others[V]",
    "test_training.py::test_padding_never_matters[gru-last]",
    "test_training.py::test_padding_never_matters[lstm-norm-last]",
    "test_blame.py::test_an_edit_with_which_short_sequences_fail_is_no_fix",
    "test_repair.py::test_a_carry_that_was_never_written",
    "test_repair.py::test_one_mistake[no delta]",
    "test_masked.py::test_what_is_written_into_while_values_are_forced_is_a_copy",
    "test_masked.py::test_it_is_mended_where_it_was_damaged[the mask]",
    "test_check_cli.py::test_more_than_was_declared",
    "test_gaps.py::test_a_name_that_several_lines_use[what is carried]",
    "test_found_by_values.py::test_it_is_mended_where_it_was_damaged[a sensitivity]",
    "test_found_by_values.py::test_it_is_mended_where_it_was_damaged[into another's sum]",
    "test_left_out.py::test_it_is_mended_where_it_was_damaged[a slope in one vector]",
    "test_training.py::test_a_run_that_was_stopped_ends_in_the_same_bytes[float64]",
    "test_training.py::test_padding_never_matters[gru-each]",
    "test_training.py::test_a_task_is_trained_measured_and_gone_on_with[parity]",
    "test_training.py::test_a_task_is_trained_measured_and_gone_on_with[copy]",
    "test_training.py::test_padding_never_matters[lstm-norm-each]",
    "test_noise.py::test_everything_at_once_agrees_with_autodiff[lstm-norm]",
    "test_blame.py::test_at_equal_sizes_nothing_fits_by_accident[        db += da\\n-        db[t] += da.sum()\\n]",
    "test_its_like.py::test_it_is_mended_where_it_was_damaged[a carry of gradients that are averaged later]",
    f"{NAMED}[founding/theory_loss_without_log.py]",
    f"{NAMED}[founding/theory_recurrence_starts_late.py]",
    f"{NAMED}[wrong/lstm_tanh_cell.py]",
    f"{NAMED}[wrong/never_zeroed.py]",
    f"{NAMED}[wrong/gru_reset_path.py]",
    f"{NAMED}[wrong/rtrl_missing_delta.py]",
    "test_planted_faults.py::test_without_a_fault_the_same_runs_agree[lstm-norm]",
    "test_segments.py::test_it_is_the_same_as_at_once[lstm-fast-5]",
    f"{NAMED}[founding/learn_empty_target.py]",
    "test_training.py::test_products_in_half_precision_learn_too",
    "test_segments.py::test_it_is_the_same_as_at_once[gru-fast-22]",
    f"{FAULT}[lstm-norm, reference.lstm: last step only]",
    f"{FAULT}[lstm-norm, reference.layer_norm: sum for the mean]",
    f"{FAULT}[lstm-norm, reference.lstm: mask ignored]",
    f"{FAULT}[lstm-norm, reference.lstm: cell state's not undone]",
    f"{FAULT}[gru-norm, reference.layer_norm: spread forgotten]",
    f"{FAULT}[variational, reference.rnn: forgotten on the way back]",
    f"{FAULT}[zoneout, reference.noise: old state's share forgotten]",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.removeprefix("tests/") in LONG:
            item.add_marker(pytest.mark.slow)
